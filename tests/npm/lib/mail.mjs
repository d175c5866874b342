/** The links in a mail's text, in order. */
export function linksIn(text) {
	return text.match(/https?:\/\/[^\s"<>]+/g) ?? [];
}
