/** The one value of a parameter; one that comes twice counts as none. */
export const single = (value: string | string[] | undefined) => (typeof value === "string" ? value : undefined);
