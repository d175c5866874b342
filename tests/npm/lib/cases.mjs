/**
 * One case for each row of a table.
 * @param {string} prefix of the cases' names
 * @param {Record<string, any>} rows by name
 * @param {(t, row, context) => Promise<unknown>} run
 */
export function each(prefix, rows, run) {
	return Object.entries(rows).map(([name, row]) => ({ name: `${prefix}: ${name}`, run: (t, context) => run(t, row, context) }));
}

/** Rows for values of a wrong type in each of some fields: `{ "email = 1": { email: 1 }, … }`. */
export function wrongTypes(fields, values = [undefined, null, 1, 1.5, true, "", [], {}]) {
	const rows = {};
	for (const field of fields) for (const value of values) rows[`${field} = ${JSON.stringify(value)}`] = { [field]: value };
	return rows;
}
