"""The Azure Functions app: it wires triggers to Stageward, and does nothing else.

Importing it does no input and no output: the host does so to list the functions. Stageward is
opened by the first invocation, and the web framework is loaded by the first HTTP request.
"""

from pathlib import Path

import azure.functions as func
from msgspec.structs import replace

from stage_functions import bootstrap
from stage_functions.adapters import logs
from stage_functions.settings import read_settings
from stage_functions.triggers import schedules
from stage_functions.triggers.events import EventTrigger
from stage_functions.triggers.http import ROUTE, Asgi, HttpTrigger
from stage_functions.triggers.once import Once

FOLDER = Path(__file__).parent

logs.take_over(read_settings().logs)


def functions(opened: Once[bootstrap.Application], http: HttpTrigger) -> func.FunctionApp:
    """Return the functions, over an application that the first invocation opens."""
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)  # sign-in is Stageward's own
    events = Once(lambda: EventTrigger(opened().context))

    @app.event_grid_trigger(arg_name="event")
    def on_event(event, context: func.Context) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 # of either schema
        events().receive(event, _traceparent(context))

    @app.timer_trigger(schedule=schedules.SWEEP_SCHEDULE, arg_name="timer")
    def sweep(timer: func.TimerRequest, context: func.Context) -> None:  # noqa: ARG001 # the binding names it
        schedules.sweep(opened().context, _traceparent(context))

    @app.timer_trigger(schedule=schedules.SCAN_SCHEDULE, arg_name="timer")
    def scan(timer: func.TimerRequest, context: func.Context) -> None:  # noqa: ARG001 # the binding names it
        schedules.scan(opened().context, opened().scanner, _traceparent(context))

    @app.route(route=ROUTE)
    async def web(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        return await http.handle(req, _traceparent(context))

    return app


def _traceparent(context: func.Context) -> str:
    return context.trace_context.trace_parent or ""


def _open() -> bootstrap.Application:
    settings = read_settings()
    return bootstrap.open_application(
        replace(settings, configuration=str(FOLDER / settings.configuration))
    )


def _web() -> Asgi:
    return bootstrap.web_application(application())


application = Once(_open)
app = functions(application, HttpTrigger(_web))
