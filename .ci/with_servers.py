"""Run a command of manage.py against a fresh PostgreSQL and Valkey: `python .ci/with_servers.py COMMAND`."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from ocpplab import embedded  # noqa: E402

with tempfile.TemporaryDirectory() as folder, embedded.services(Path(folder) / "data", durable=False) as urls:
    env = {**os.environ, "DATABASE_URL": urls.database, "REDIS_URL": urls.redis}
    code = subprocess.call([sys.executable, str(ROOT / "manage.py"), *sys.argv[1:]], env=env)
sys.exit(code)
