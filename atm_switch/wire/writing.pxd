# Types of writing.py where it is compiled.
cimport cython

from atm_switch.wire.gate cimport Gate
from atm_switch.wire.layout cimport Layout

cdef class Shape:
    cdef readonly bytes constants
    cdef readonly list spans
    cdef readonly Gate gate
    cdef readonly Py_ssize_t octets
    cdef readonly object cut

cdef class Writing:
    cdef readonly bytes head
    cdef readonly tuple numbers
    cdef public bytes rest_head
    cdef tuple _given
    cdef Layout _source
    cdef object _spelling
    cdef bytes _outwards
    cdef list _parts
    cdef bint _with_digits
    cdef readonly dict shapes
    @cython.locals(shape=Shape, octets=bytes, whole=bytes)
    cpdef bytes write(self, bytes payload, tuple values)

@cython.locals(at=Py_ssize_t, to=Py_ssize_t, begins=Py_ssize_t, ends=Py_ssize_t, made=bytearray,
               source="const unsigned char*", target="unsigned char*")
cpdef bytes woven(bytes whole, list spans, Py_ssize_t octets)
