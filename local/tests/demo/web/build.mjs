import { appendFileSync, mkdirSync } from "node:fs";

mkdirSync(".next", { recursive: true });
appendFileSync(".next/builds", "built\n");
