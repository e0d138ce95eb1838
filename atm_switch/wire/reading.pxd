# Types of reading.py where it is compiled.
from atm_switch.wire.layout cimport Layout
from atm_switch.wire.message cimport IsoMessage

cdef class ReadMessage(IsoMessage):
    cdef readonly Layout layout
    cdef readonly bytes payload

cdef class AnsweringMessage(IsoMessage):
    cdef readonly ReadMessage request
    cdef readonly frozenset echo
    cdef readonly tuple given
    cdef readonly tuple values
    cdef dict _put(self)
    cdef IsoMessage _like(self, frozenset echo, dict put)
