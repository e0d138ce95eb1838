# Types of layout.py where it is compiled.
cimport cython

from atm_switch.wire.gate cimport Gate

cdef class Layout:
    cdef readonly str mti
    cdef readonly tuple numbers
    cdef readonly Py_ssize_t octets
    cdef readonly dict spans
    cdef readonly dict writings
    cdef readonly object spelling
    cdef readonly object outline
    cdef readonly tuple outlined
    cdef readonly Gate gate
    cdef list _fixed
    cdef bytes _template
    cdef bint _has_digits
    cdef object _cut
    cpdef bint holds(self, bytes payload)
    cpdef dict elements(self, bytes payload)

@cython.locals(at=Py_ssize_t, begins=Py_ssize_t, ends=Py_ssize_t,
               left="const unsigned char*", right="const unsigned char*")
cpdef bint are_alike(bytes one, bytes other, list spans)
