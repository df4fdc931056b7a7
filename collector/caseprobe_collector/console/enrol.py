"""What a machine asks before it has a certificate: the CA to compare with its join code, then a certificate."""

from __future__ import annotations

from fastapi import Request
from google.protobuf.message import DecodeError
from starlette.responses import Response

from caseprobe.errors import CaseprobeError, Corrupt
from caseprobe.v1 import enrolment_pb2
from caseprobe_collector.access import Action
from caseprobe_collector.console.errors import Failure, failure_of
from caseprobe_collector.console.routing import Route
from caseprobe_collector.console.services import Use

PROTOBUF = "application/x-protobuf"
PREFIX = "/enrol/"


async def get_ca(use: Use) -> Response:
    """The CA's certificate; asked for without trust, worth nothing until its SHA-256 is compared."""
    return Response(use.authority.ca_pem(), media_type="application/x-pem-file")


async def post_enrol(request: Request, use: Use) -> Response:
    """EnrolRequest in, EnrolResponse or EnrolError out."""
    try:
        asked = _parse(await request.body())
        answer = await use.enrolment.enrol(asked, request.client.host if request.client else "")
    except CaseprobeError as error:
        return error_answer(failure_of(error))
    return Response(answer.SerializeToString(), media_type=PROTOBUF)


def error_answer(failure: Failure) -> Response:
    """An EnrolError with its status."""
    body = enrolment_pb2.EnrolError(code=failure.code, message=failure.message).SerializeToString()
    return Response(body, status_code=failure.status, media_type=PROTOBUF)


def _parse(data: bytes) -> enrolment_pb2.EnrolRequest:
    try:
        return enrolment_pb2.EnrolRequest.FromString(data)
    except DecodeError:
        raise Corrupt("the body is not an EnrolRequest") from None


ROUTES = (
    Route("GET", "/enrol/v1/ca.pem", Action.ENROL, get_ca),
    Route("POST", "/enrol/v1/enrol", Action.ENROL, post_enrol),
)
