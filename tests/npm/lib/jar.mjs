/** The cookies of one browser profile for one origin. Attributes other than Max-Age are not modelled. */
export class CookieJar {
	#cookies = new Map();

	/** @param {string[]} setCookies values of `set-cookie` headers */
	store(setCookies) {
		for (const line of setCookies) {
			const { name, value, attributes } = parseSetCookie(line);
			if (attributes["max-age"] === "0") this.#cookies.delete(name);
			else this.#cookies.set(name, value);
		}
	}

	set(name, value) {
		this.#cookies.set(name, value);
	}

	get(name) {
		return this.#cookies.get(name);
	}

	/** The `cookie` header, or nothing when there is no cookie. */
	headers() {
		const pairs = [...this.#cookies].map(([name, value]) => `${name}=${value}`);
		return pairs.length ? { cookie: pairs.join("; ") } : {};
	}
}

/** @returns {{ name: string, value: string, attributes: Record<string, string | true> }} attribute names in lower case */
export function parseSetCookie(line) {
	const [pair, ...rest] = line.split(";").map((part) => part.trim());
	const attributes = {};
	for (const part of rest) {
		const [name, value] = split(part);
		attributes[name.toLowerCase()] = value ?? true;
	}
	const [name, value = ""] = split(pair);
	return { name, value, attributes };
}

function split(pair) {
	const at = pair.indexOf("=");
	return at < 0 ? [pair] : [pair.slice(0, at), pair.slice(at + 1)];
}
