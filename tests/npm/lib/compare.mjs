import { known } from "../differences.mjs";

/**
 * Compares what two sessions of one case recorded.
 * @returns {string[]} a line for each difference; none when the answers agree
 */
export function compare(ours, peer) {
	const lines = [];
	for (let index = 0; index < Math.max(ours.steps.length, peer.steps.length); index++) {
		const [mine, theirs] = [ours.steps[index], peer.steps[index]];
		if (!mine || !theirs) {
			lines.push(`step ${index + 1}: only one server got to ${(mine ?? theirs).label}`);
			break;
		}
		const place = `step ${index + 1}, ${theirs.label}`;
		if (mine.differs && !ours.isPeer) lines.push(...checkKnown(mine, theirs, place));
		else lines.push(...differences(mine.answer, theirs.answer).map((line) => `${place}: ${line}`));
	}
	return lines;
}

function checkKnown(mine, theirs, place) {
	const entry = known[mine.differs];
	if (!entry) return [`${place}: no known difference is named "${mine.differs}"`];
	const lines = [];
	if (!entry.ours(mine.answer)) lines.push(`${place}: not as documented under "${mine.differs}": ${show(mine.answer)}`);
	if (entry.ours(theirs.answer)) lines.push(`${place}: better-auth answers like that too, so "${mine.differs}" is no difference: ${show(theirs.answer)}`);
	return lines;
}

function differences(ours, peer, path = "") {
	if (isNode(ours) && isNode(peer) && Array.isArray(ours) === Array.isArray(peer)) {
		const keys = new Set([...Object.keys(peer), ...Object.keys(ours)]);
		return [...keys].flatMap((key) => differences(ours[key], peer[key], path ? `${path}.${key}` : key));
	}
	return ours === peer ? [] : [`${path}\n      ours: ${show(ours)}\n      peer: ${show(peer)}`];
}

function isNode(value) {
	return typeof value === "object" && value !== null;
}

function show(value) {
	const text = value === undefined ? "(nothing)" : JSON.stringify(value);
	return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}
