"""How long and how often is measured, in a full run and in a quick one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Seconds and numbers of chargers."""

    quick: bool
    seed: int = 1
    #: sizes of the ladder
    sizes: tuple[int, ...] = (100, 1_000, 5_000, 10_000)
    #: seconds between heartbeats, how long chargers rest, and how long the bare sessions do
    heartbeat: int = 60
    rest: float = 60
    bare_rest: float = 12
    #: seconds between meter values, and how long charging is looked at: at most sizes, and at the largest with full log
    sample: int = 10
    charge: float = 20
    top_charge: float = 40
    bare_charge: float = 15
    #: seconds at the highest rate
    flood: float = 8
    #: seconds of each profile
    profile: float = 4
    #: chargers whose simulator is started anew, and how often
    restarted: int = 2_000
    restarted_by_two: int = 10_000
    restarts: int = 3
    #: sizes of requests and how many of each; fleets until READY; chargers of the job whose worker dies
    posts: tuple[int, ...] = (10, 100, 1_000, 10_000)
    post_repeat: int = 20
    small_job: int = 1_000
    small_job_repeat: int = 3
    big_job: int = 10_000
    orphaned_job: int = 2_000
    #: chargers of the other parts, and how often orders are given
    orders: int = 1_000
    orders_repeat: int = 3
    books: int = 500
    books_pause: float = 8
    csms: int = 1_000


FULL = Plan(quick=False)
#: for seeing that everything works; its figures are no figures
QUICK = Plan(
    quick=True,
    sizes=(100,),
    heartbeat=5,
    rest=5,
    bare_rest=2,
    sample=5,
    charge=6,
    top_charge=6,
    bare_charge=2,
    flood=2,
    profile=1,
    restarted=200,
    restarted_by_two=200,
    restarts=1,
    posts=(10, 100),
    post_repeat=3,
    small_job=100,
    small_job_repeat=1,
    big_job=500,
    orphaned_job=200,
    orders=100,
    orders_repeat=1,
    books=20,
    books_pause=2,
    csms=50,
)
