import { appendFileSync, mkdirSync } from "node:fs";

const { NEXT_DIST_DIR, NEXT_PUBLIC_API_URL } = process.env;
mkdirSync(NEXT_DIST_DIR, { recursive: true });
appendFileSync(`${NEXT_DIST_DIR}/builds`, `${NEXT_PUBLIC_API_URL}\n`);
