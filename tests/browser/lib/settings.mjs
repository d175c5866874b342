// What this run is told by its environment; `tests/tests/browser` sets it.

const { WEB_URL, API_URL, SERVICE_URL, PROVIDER_URL, CHROMIUM, PROFILE = "development", TAG = "", ARTEFACTS } = process.env;

export const settings = {
	/** The front end, which is opened. */
	web: needed("WEB_URL", WEB_URL),
	/** The todo API. */
	api: needed("API_URL", API_URL),
	/** The gateway of the service, whose mailbox is read. */
	service: needed("SERVICE_URL", SERVICE_URL),
	/** The stand-ins for Google and GitHub. */
	provider: needed("PROVIDER_URL", PROVIDER_URL),
	/** The browser's program. */
	chromium: needed("CHROMIUM", CHROMIUM),
	/** Whether the service runs with `Profile=production`. */
	isProduction: PROFILE === "production",
	/** Folder for pictures of every page; none are made without. */
	screenshots: process.env.SCREENSHOTS_DIR || null,
	/** Folder for a picture of what was seen when a story failed. */
	artefacts: ARTEFACTS || null,
};

/** Nobody's address yet. TAG tells runs against one stack apart. */
export const address = (name) => `${name}${TAG}@example.com`;

/** The longest that anything may take. Generous: a busy machine is no fault. */
export const PATIENCE = 60_000;

function needed(name, value) {
	if (value) return value.replace(/\/+$/, "");
	throw new Error(`${name} is not set`);
}
