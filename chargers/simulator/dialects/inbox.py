"""What comes from the CSMS: read it, check it, hand it to the block that minds it, answer.

Whatever arrives, the session lives. Decisions where the specifications leave room:

- While the registration is rejected nothing at all is sent, so a CALL gets no answer (1.6 §4.2: "SHALL NOT send any
  OCPP message"; 2.0.1 B03.FR.02-03).
- A CALL with an id used before is answered like any other: every CALL is answered at once, so none is "being handled
  already" (OCPP-J 1.6 §4.2.3), and a CSMS that repeats a CALL whose answer got lost is served.
- A result that breaks its schema counts as no result: the CALL has failed, and BootNotification is tried again.
- Date-times in what arrives may be any ISO 8601 (1.6 "Time notations"); one that cannot be read is ignored.
"""

from chargers.protocol import (
    BadFrame,
    Call,
    CallError,
    CallResult,
    Payload,
    hidden,
    parse,
    refusal,
    unreadable,
    validate_request,
    validate_response,
)
from chargers.protocol.errors import Fault
from chargers.simulator.effects import Received

from .base import Failure, Refusal, Registration
from .context import Context


def receive(ctx: Context, text: str) -> None:
    """Take in one text frame."""
    frame = parse(ctx.dialect.version, text)
    answered = ctx.outstanding
    if answered is not None and answered.id != frame.id:
        answered = None
    if answered is not None:
        _log(ctx, text, answered.action, ctx.now - answered.sent_at)
    else:
        _log(ctx, text, frame.action if isinstance(frame, Call) else "")
    if isinstance(frame, Call):
        _answer(ctx, frame)
    elif isinstance(frame, BadFrame) and frame.type not in {3, 4}:
        _refuse(ctx, frame)
    elif answered is None:
        ctx.count("unexpected_answer")
    elif isinstance(frame, CallResult):
        ctx.settle(_checked(ctx, answered.action, frame.payload))
        if ctx.registration is Registration.ACCEPTED:
            ctx.back_off.reset()  # a CSMS that answers is well again; one that only takes connections is not
    elif isinstance(frame, CallError):
        ctx.settle(Failure(f"{frame.code}: {frame.description}" if frame.description else frame.code, lost=False))
    else:
        ctx.count("bad_frame")
        ctx.settle(Failure(frame.reason, lost=False))


def overhear(ctx: Context, text: str) -> None:
    """Log a text frame that came too late to act on."""
    _log(ctx, text, "")


def receive_unreadable(ctx: Context, reason: str) -> None:
    """Take in a frame that is no text. OCPP-J knows text frames only (1.6 §3.1, 2.0.1 §3.1)."""
    _log(ctx, f"[{reason}]", "")
    _refuse(ctx, unreadable(ctx.dialect.version, reason))


def _log(ctx: Context, text: str, action: str, waited: float | None = None) -> None:
    """Keep a frame of the CSMS; `waited` as in `Received`.

    An action that is no word of the version may be anything, so it is not repeated.
    """
    ctx.effects.append(Received(text, action if action in ctx.dialect.actions else "", waited))


def _answer(ctx: Context, call: Call) -> None:
    if ctx.registration is Registration.REJECTED:
        ctx.count("call_while_rejected")
        return
    outcome = _handled(ctx, call)
    if isinstance(outcome, Refusal):
        ctx.count("refused_call")
        message = refusal(ctx.dialect.version, call.id, outcome.fault, outcome.description)
        ctx.send(message, call.action if call.action in ctx.dialect.actions else "")
    else:
        ctx.send(CallResult(call.id, outcome), call.action)


def _handled(ctx: Context, call: Call) -> Payload | Refusal:
    dialect = ctx.dialect
    handler = dialect.calls.get(call.action)
    if handler is None:
        if call.action not in dialect.actions:
            return Refusal(Fault.NOT_IMPLEMENTED, f"{dialect.version} has no action {call.action[:50]}")
        reason = dialect.not_supported.get(call.action, "only a charger sends this")
        return Refusal(Fault.NOT_SUPPORTED, f"{call.action}: {reason}")
    breach = validate_request(dialect.version, call.action, call.payload, formats=False)
    if breach is not None:
        # The message may quote the value, and what is sent is logged.
        told = hidden(call.payload) is not call.payload
        return Refusal(breach.fault, f"{breach.path}: not as its schema wants it" if told else breach.message)
    return handler(ctx, call.payload)


def _refuse(ctx: Context, frame: BadFrame) -> None:
    ctx.count("bad_frame")
    if frame.answer is not None and ctx.registration is not Registration.REJECTED:
        ctx.send(frame.answer, "")


def _checked(ctx: Context, action: str, payload: Payload) -> Payload | Failure:
    breach = validate_response(ctx.dialect.version, action, payload, formats=False)
    if breach is None:
        return payload
    ctx.count("bad_result")
    return Failure(f"the answer to {action} breaks its schema: {breach.message}", lost=False)
