/** The product's name, as pages and authenticator apps show it. */
export const APP_NAME = "Tally";
