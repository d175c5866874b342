// What went wrong, in sentences for the person in front of the form.

/** `fields`: the inputs that it may be about, the likeliest first. */
export type Failure = { message: string; fields?: string[]; code?: string };

/** What the client of Better Auth gives for an error, with the wait that `lib/auth/client.ts` adds. */
type ServiceError = { status: number; code?: string; message?: string; retryAfter?: number };

const NEW_PASSWORD = ["newPassword", "password"];
const OLD_PASSWORD = ["currentPassword", "password"];

const SENTENCES: Record<string, [message: string, ...fields: string[]]> = {
  ACCOUNT_NOT_FOUND: ["This account is not linked any more. Load the page again."],
  ACCOUNT_TEMPORARILY_LOCKED: ["Too many wrong codes.", "code"],
  BACKUP_CODES_NOT_ENABLED: ["There are no backup codes for this account. Use another way."],
  CREDENTIAL_ACCOUNT_NOT_FOUND: ["This account has no password yet. Set one first, by the link that we can mail you."],
  CROSS_SITE_NAVIGATION_LOGIN_BLOCKED: ["This sign-in came from another site. Start it from this page."],
  EMAIL_ALREADY_VERIFIED: ["This address is verified already."],
  EMAIL_MISMATCH: ["This is not the address that you are signed in with.", "email"],
  EMAIL_NOT_VERIFIED: ["Your address is not verified yet. Follow the link in the mail that we sent you."],
  FAILED_TO_UNLINK_LAST_ACCOUNT: ["This is your only way to sign in. Link another one first."],
  ID_TOKEN_NOT_SUPPORTED: ["This provider cannot be used here."],
  INVALID_BACKUP_CODE: ["This backup code is wrong or was used before.", "code"],
  INVALID_CODE: ["This code is wrong or too old. Enter the newest one.", "code"],
  INVALID_EMAIL: ["This is not an e-mail address.", "email", "newEmail"],
  INVALID_EMAIL_OR_PASSWORD: ["E-mail address or password is wrong."],
  INVALID_ORIGIN: ["The service does not know this site. Its operator has to add the address to the trusted origins."],
  INVALID_PASSWORD: ["This password is wrong.", ...OLD_PASSWORD],
  INVALID_TOKEN: ["This link was used before or has expired. Ask for a new one."],
  INVALID_TWO_FACTOR_COOKIE: ["This sign-in took too long. Start it again."],
  INVALID_USER: ["This link belongs to another account. Sign out, then follow it again."],
  LINKING_DIFFERENT_EMAILS_NOT_ALLOWED: ["That account has another e-mail address than yours."],
  LINKING_NOT_ALLOWED: ["That account's e-mail address is not verified at the provider."],
  MISSING_OR_NULL_ORIGIN: ["Your browser did not say where this request came from. Turn off what hides it, then try again."],
  OTP_HAS_EXPIRED: ["No mailed code is waiting any more. Send another one.", "code"],
  OTP_NOT_ENABLED: ["Codes by mail cannot be used for this account."],
  PASSWORD_COMPROMISED: ["This password is easy to guess. Choose another one.", ...NEW_PASSWORD],
  PASSWORD_TOO_LONG: ["A password has at most 128 characters.", ...NEW_PASSWORD],
  PASSWORD_TOO_SHORT: ["A password has at least 8 characters.", ...NEW_PASSWORD],
  PROVIDER_NOT_FOUND: ["This provider is not set up yet. Choose another way to sign in."],
  SESSION_EXPIRED: ["For this, sign in again: it needs a sign-in of the last 24 hours."],
  SESSION_NOT_FRESH: ["For this, sign in again: it needs a sign-in of the last 24 hours."],
  SIGN_IN_REFUSED: ["This account may not sign in here. Ask the people who run this service."],
  SOCIAL_ACCOUNT_ALREADY_LINKED: ["That account belongs to another user."],
  TOKEN_EXPIRED: ["This link has expired. Ask for a new one."],
  TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE: ["Too many wrong codes for this sign-in. Start it again."],
  TOTP_ALREADY_ENABLED: ["Two-step sign-in is on already. Load the page again."],
  TOTP_NOT_ENABLED: ["There is no authenticator for this account. Use another way."],
  TWO_FACTOR_NOT_ENABLED: ["Two-step sign-in is off already. Load the page again."],
  UNAUTHORIZED: ["You are signed out. Sign in again."],
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: ["This address has an account already. Sign in, or reset your password.", "email", "newEmail"],
  USER_NOT_FOUND: ["This account does not exist any more."],
};

/** Errors that come with a redirect, as `?error=`. Anybody can write those: unknown ones are not shown. */
const REDIRECT_SENTENCES: Record<string, string> = {
  access_denied: "You cancelled at the provider.",
  account_already_linked_to_different_user: "That account belongs to another user.",
  account_not_linked: "There is an account with this address already. Sign in the way that you did before, then link the provider in the settings.",
  email_does_not_match: "That account has another e-mail address than yours. Choose one with the same address.",
  email_not_found: "The provider has no verified e-mail address for you.",
  invalid_code: "The provider did not confirm the sign-in. Try again.",
  issuer_mismatch: "The answer did not come from the provider that was asked. Try again.",
  no_code: "The provider did not confirm the sign-in. Try again.",
  oauth_provider_not_found: "This provider is not set up yet. Choose another way to sign in.",
  sign_in_refused: "This account may not sign in here. Ask the people who run this service.",
  state_mismatch: "This sign-in was started in another browser or took too long. Try again.",
  state_not_found: "This sign-in was started in another browser or took too long. Try again.",
  server_error: "The provider has a problem. Try again in a moment.",
  temporarily_unavailable: "Something was unavailable. Try again in a moment.",
  unable_to_get_user_info: "The provider did not tell who you are. Try again.",
  unable_to_link_account: "That account cannot be linked: its e-mail address is not verified at the provider.",
};

/** What an answer of the client says that went wrong; null for none. */
export function failureOf({ error }: { error: unknown }): Failure | null {
  return error ? describe(error as ServiceError) : null;
}

function describe({ status, code, message, retryAfter }: ServiceError): Failure {
  const [sentence, ...fields] = (code && SENTENCES[code]) || [];
  if (status === 429) {
    return { message: `${sentence ?? "Too many attempts."} ${tryAgain(retryAfter)}`, fields, code };
  }
  if (sentence) return { message: sentence, fields, code };
  if (status === 503) return { message: `The service is busy. ${tryAgain(retryAfter)}`, code };
  if (status >= 500) return { message: "Something went wrong on our side. Try again in a moment.", code };
  if (code === "VALIDATION_ERROR") return { message: "The service did not accept what was entered. Check every field.", code };
  return { message: message || "The service refused this request.", code };
}

/** For what was thrown: no answer came. */
export const unreachable = (): Failure => ({
  message: "The service cannot be reached. Check your connection, then try again.",
});

export function redirectFailure(error: string | undefined): string | null {
  if (!error) return null;
  return REDIRECT_SENTENCES[error] ?? SENTENCES[error.toUpperCase()]?.[0] ?? "The sign-in did not work. Try again.";
}

function tryAgain(seconds: number | undefined): string {
  if (!seconds) return "Wait a moment, then try again.";
  const [count, unit] = seconds < 120 ? [Math.ceil(seconds), "second"] : [Math.ceil(seconds / 60), "minute"];
  return `Wait ${count} ${unit}${count === 1 ? "" : "s"}, then try again.`;
}
