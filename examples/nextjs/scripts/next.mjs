// Runs Next's command on port 3001 unless PORT says otherwise: the service has 3000.
// Sends no telemetry. In the same process, so that a signal ends it.

import { createRequire } from "node:module";

process.env.PORT ||= "3001";
process.env.NEXT_TELEMETRY_DISABLED = "1";
createRequire(import.meta.url)("next/dist/bin/next");
