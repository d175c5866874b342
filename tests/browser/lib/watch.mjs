// Listens to all pages of a profile for what a developer would see in red.

/** What the console says of an answer that is counted by its status already. */
const OF_AN_ANSWER = /^Failed to load resource: the server responded with a status of \d+/;

export class Watch {
	#expected = [];
	#answers = [];
	#errors = [];
	#listens = true;

	constructor(context) {
		context.on("console", (message) => {
			if (message.type() !== "error" || OF_AN_ANSWER.test(message.text())) return;
			this.#add(`console: ${message.text()} (${message.location().url})`);
		});
		context.on("weberror", (error) => this.#add(`page error: ${error.error().stack ?? error.error()}`));
		context.on("requestfailed", (request) => {
			const { errorText } = request.failure() ?? {};
			// The browser itself gives up what the page that is left had asked for.
			if (errorText === "net::ERR_ABORTED") return;
			this.#add(`no answer: ${request.method()} ${request.url()}: ${errorText}`);
		});
		context.on("response", (response) => {
			if (response.status() < 400 || !this.#listens) return;
			const { pathname } = new URL(response.url());
			this.#answers.push(`${response.status()} ${response.request().method()} ${pathname}`);
		});
	}

	/** Says that what was entered wrongly is answered so, such as `401 POST /api/auth/sign-in/email`; once for each answer. */
	expect(...answers) {
		this.#expected.push(...answers);
	}

	/** Looks away, for pages that are not the product's. */
	async ignoring(action) {
		this.#listens = false;
		try {
			return await action();
		} finally {
			this.#listens = true;
		}
	}

	/** What nobody expected, and what was expected and has not happened. */
	complaints() {
		const missing = [...this.#expected];
		const surplus = this.#answers.filter((answer) => {
			const index = missing.indexOf(answer);
			if (index >= 0) missing.splice(index, 1);
			return index < 0;
		});
		return [
			...this.#errors,
			...surplus.map((answer) => `not expected: ${answer}`),
			...missing.map((answer) => `expected, and never seen: ${answer}`),
		];
	}

	#add(error) {
		if (this.#listens) this.#errors.push(error);
	}
}
