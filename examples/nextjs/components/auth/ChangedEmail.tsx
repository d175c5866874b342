"use client";

import { useAuth } from "@/lib/auth/AuthProvider";
import { GoOn } from "./GoOn";

/** The address in the account tells which of the two links this was. */
export function ChangedEmail() {
  const { user } = useAuth();
  return (
    <div className="stack">
      <p>
        {user ? (
          <>
            Your account’s address is <strong>{user.email}</strong>.{" "}
          </>
        ) : null}
        If the link came to your old address, one step is left: follow the link that we just mailed to the new one.
      </p>
      <GoOn />
    </div>
  );
}
