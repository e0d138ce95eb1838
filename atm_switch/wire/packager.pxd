# Types of packager.py where it is compiled.
cimport cython

from atm_switch.wire.layout cimport Layout
from atm_switch.wire.message cimport IsoMessage
from atm_switch.wire.reading cimport AnsweringMessage, ReadMessage
from atm_switch.wire.writing cimport Writing

cdef class Packager:
    cdef readonly object profile
    cdef readonly object reference
    cdef object _spelling
    cdef dict _heads
    cdef dict _plans
    cdef dict _layouts
    cdef Py_ssize_t _short
    cdef Py_ssize_t _long
    @cython.locals(layout=Layout)
    cpdef IsoMessage unpack(self, bytes payload)
    @cython.locals(layout=Layout)
    cpdef IsoMessage unpack_by_plan(self, bytes payload)
    cpdef bytes pack(self, IsoMessage message)
    cpdef tuple pack_with_rest(self, IsoMessage message, int first)
    @cython.locals(answer=AnsweringMessage, layout=Layout, writing=Writing)
    cdef bytes _rest_of(self, IsoMessage message, int first, bytes payload)
    @cython.locals(answer=AnsweringMessage, layout=Layout, writing=Writing, request=ReadMessage)
    cpdef bytes pack_by_plan(self, IsoMessage message)
    cdef Writing _writing_of(self, AnsweringMessage message, object key)
