"use client";

import { createContext, use, useCallback, useMemo, useState, useSyncExternalStore, type ReactNode } from "react";
import { authClient, useSession } from "./client";
import { getAccessToken, setAccessToken, subscribeToAccessToken } from "./token";

type Data = typeof authClient.$Infer.Session;
export type User = Data["user"];
export type Session = Data["session"];

type Auth = {
  session: Session | null;
  user: User | null;
  /** The access token for back ends. Prefer `apiRequest`, which renews it. */
  token: string | null;
  isAuthenticated: boolean;
  /** Whether it is not known yet who is signed in. */
  isLoading: boolean;
  /** Whether the service could not tell who is signed in. */
  isUnavailable: boolean;
  /** Whether the user is on the way out, by a click. */
  isLeaving: boolean;
  refreshSession: () => Promise<void>;
  /** Ends what the browser knows of the user, and goes to `path`. */
  leave: (path: string) => void;
};

const AuthContext = createContext<Auth | null>(null);

export function AuthProvider({ children }: { children: ReactNode }) {
  const { data, error, isPending, refetch } = useSession();
  const token = useSyncExternalStore(subscribeToAccessToken, getAccessToken, () => null);
  const [isLeaving, setLeaving] = useState(false);

  const refreshSession = useCallback(async () => {
    await refetch();
  }, [refetch]);

  const leave = useCallback((path: string) => {
    setLeaving(true);
    setAccessToken(null);
    // A new document: nothing of the last user stays in memory.
    window.location.assign(path);
  }, []);

  const auth = useMemo<Auth>(
    () => ({
      session: data?.session ?? null,
      user: data?.user ?? null,
      token,
      isAuthenticated: data !== null,
      isLoading: isPending,
      isUnavailable: error !== null && data === null && error.status !== 401,
      isLeaving,
      refreshSession,
      leave,
    }),
    [data, error, isPending, token, isLeaving, refreshSession, leave],
  );
  return <AuthContext value={auth}>{children}</AuthContext>;
}

export function useAuth(): Auth {
  const auth = use(AuthContext);
  if (!auth) throw new Error("useAuth needs an AuthProvider around it");
  return auth;
}
