"""The application with the settings of its environment, for uvicorn."""

import os
import sys

from app.api import create_app
from app.settings import Settings, SettingsFault

try:
    app = create_app(Settings.from_environment(os.environ))
except SettingsFault as fault:
    sys.exit(str(fault))
