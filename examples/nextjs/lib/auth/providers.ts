/** The providers that this app offers. Each needs a client in the service's OAuthClientsSecret. */
export const PROVIDERS = [
  { id: "google", name: "Google" },
  { id: "github", name: "GitHub" },
] as const;

export type Provider = (typeof PROVIDERS)[number]["id"];

export const providerName = (id: string) => PROVIDERS.find((provider) => provider.id === id)?.name ?? id;
