"use client";

import { useRef, useState } from "react";
import { Alert } from "@/components/ui/Alert";
import { Button } from "@/components/ui/Button";
import { Card } from "@/components/ui/Card";
import { Icon } from "@/components/ui/Icon";
import { Skeleton } from "@/components/ui/Skeleton";
import { useAuth, type Session } from "@/lib/auth/AuthProvider";
import { authClient } from "@/lib/auth/client";
import { failureOf, unreachable, type Failure } from "@/lib/forms/failure";
import { useLoad, type Loaded } from "@/lib/useLoad";
import { describeUserAgent } from "@/lib/userAgent";
import { SignInAgain } from "./SignInAgain";

export function SessionList() {
  const { session: current } = useAuth();
  const { data: sessions, failure, reload, setData } = useLoad(loadSessions);
  const [ending, setEnding] = useState<string | null>(null);
  const [endFailure, setEndFailure] = useState<Failure | null>(null);
  const [news, setNews] = useState("");
  const list = useRef<HTMLUListElement>(null);

  async function end(which: Session | "others") {
    setEnding(which === "others" ? which : which.id);
    const request = which === "others" ? authClient.revokeOtherSessions() : authClient.revokeSession({ token: which.token });
    const failure = await request.then(failureOf, unreachable);
    setEnding(null);
    setEndFailure(failure);
    if (failure) return;
    setData((sessions) => sessions.filter(({ id }) => (which === "others" ? id === current?.id : id !== which.id)));
    setNews(which === "others" ? "All other devices are signed out." : `${describeUserAgent(which.userAgent)} is signed out.`);
    list.current?.focus();
  }

  const others = sessions?.filter(({ id }) => id !== current?.id) ?? [];
  return (
    <Card title="Where you are signed in" text="Sign out what you do not know, and change your password then.">
      {failure && (
        <Alert kind="error">
          {failure.message} <SignInAgain failure={failure} />
          {!failure.code && <Button onClick={reload}>Try again</Button>}
        </Alert>
      )}
      {endFailure && <Alert kind="error">{endFailure.message}</Alert>}
      {news && <Alert kind="success">{news}</Alert>}
      {!sessions && !failure && <Skeleton label="Loading your devices" />}
      {sessions && (
        <ul className="rows" ref={list} tabIndex={-1} aria-label="Devices">
          {sessions.map((session) => {
            const name = describeUserAgent(session.userAgent);
            const isCurrent = session.id === current?.id;
            return (
              <li key={session.id}>
                <Icon name={/iOS|Android/.test(name) ? "phone" : "devices"} />
                <div className="row-text">
                  <p>
                    {name} {isCurrent && <span className="badge">This device</span>}
                  </p>
                  <p className="muted">
                    {session.ipAddress || "Unknown address"} · since {formatTime(session.createdAt)}
                  </p>
                </div>
                {!isCurrent && (
                  <Button aria-label={`Sign out ${name}, since ${formatTime(session.createdAt)}`} pending={ending === session.id} onClick={() => end(session)}>
                    Sign out
                  </Button>
                )}
              </li>
            );
          })}
        </ul>
      )}
      {others.length > 0 && (
        <div>
          <Button kind="danger" pending={ending === "others"} onClick={() => end("others")}>
            Sign out all other devices
          </Button>
        </div>
      )}
    </Card>
  );
}

async function loadSessions(): Promise<Loaded<Session[]>> {
  const result = await authClient.listSessions();
  const failure = failureOf(result);
  if (failure) return { failure };
  const newestFirst = (a: Session, b: Session) => b.createdAt.valueOf() - a.createdAt.valueOf();
  return { data: [...(result.data ?? [])].sort(newestFirst) };
}

const formatTime = (time: Date) => time.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
