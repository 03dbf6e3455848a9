"""What can go wrong between a bridge and a device, whatever the protocol.

DeviceError
├── NoAnswerError         silence, refused or broken connection: the link is dropped
│   ├── NoConnectionError     nobody listens there, or the serial device is not there
│   └── GatewayError          a gateway says that its device does not answer: the link stays
├── WrongAnswerError      an answer that is not one to the question: the link is dropped
├── RefusedError          the device answered that it will not (a Modbus exception, an HTTP error)
├── ForbiddenError        a write that the profile does not allow: nothing was sent
└── UnsuitableError       it answers, but is not what the site file says
"""


class DeviceError(Exception):
    """Base; the message says what happened and what to do, without frames."""

    code = "device_error"


class NoAnswerError(DeviceError):
    code = "communication_lost"


class NoConnectionError(NoAnswerError):
    """Before any question was sent."""


class GatewayError(NoAnswerError):
    """Exceptions 10 and 11 of a gateway."""


class WrongAnswerError(DeviceError):
    code = "wrong_answer"


class RefusedError(DeviceError):
    code = "device_refused"


class ForbiddenError(DeviceError):
    code = "write_forbidden"


class UnsuitableError(DeviceError):
    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
