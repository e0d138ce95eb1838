# Types of message.py where it is compiled.
cdef class IsoMessage:
    cdef str _mti
    cdef dict _known
    cdef dict _all(self)
    cdef dict _made(self)
