# Types of gate.py where it is compiled.
cimport cython

cdef class Gate:
    cdef bytes _outside
    cdef bytes _wanted
    cdef object _mask
    cdef list _marks
    cdef list _ranges
    cdef list _others
    cdef list _tracks
    cdef list _packed_tracks
    cpdef bint passes(self, bytes octets)
    cdef bint _each_passes(self, bytes octets)
    cdef bint _packed_tracks_pass(self, bytes octets)

@cython.locals(at=Py_ssize_t, begins=Py_ssize_t, ends=Py_ssize_t, data="const unsigned char*",
               least="unsigned char", more="unsigned char", strays="unsigned char")
cpdef bint are_in_ranges(bytes octets, list ranges)

@cython.locals(at=Py_ssize_t, begins=Py_ssize_t, ends=Py_ssize_t, data="const unsigned char*",
               classes="const unsigned char*", table="const unsigned char*", strays="unsigned char")
cpdef bint are_in_classes(bytes octets, list spans, bytes wanted, bytes outside)

@cython.locals(at=Py_ssize_t, data="const unsigned char*", table="const unsigned char*",
               strays=Py_ssize_t)
cpdef Py_ssize_t strays_between(bytes octets, Py_ssize_t begins, Py_ssize_t ends, bytes outside)
