"""What can go wrong between a bridge and a device.

DeviceError
├── NoAnswerError         silence, refused or broken connection: the link is dropped
├── WrongAnswerError      an answer that is not one to the question: the link is dropped
├── RefusedError          the device answered with a Modbus exception
└── UnsuitableError       it answers, but is not what the site file says
"""


class DeviceError(Exception):
    """Base; the message says what happened and what to do, without frames."""

    code = "device_error"


class NoAnswerError(DeviceError):
    code = "communication_lost"


class WrongAnswerError(DeviceError):
    code = "wrong_answer"


class RefusedError(DeviceError):
    code = "device_refused"


class UnsuitableError(DeviceError):
    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
