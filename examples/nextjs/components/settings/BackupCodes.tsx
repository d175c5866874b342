"use client";

import { useEffect, useRef } from "react";
import { Alert } from "@/components/ui/Alert";
import { Button } from "@/components/ui/Button";
import { Icon } from "@/components/ui/Icon";
import { APP_NAME } from "@/lib/app";
import { CopyButton } from "./CopyButton";

/** Shown once: the service keeps hashes of them. */
export function BackupCodes({ codes, onDone }: { codes: string[]; onDone: () => void }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);

  function download() {
    const address = URL.createObjectURL(new Blob([`Backup codes for ${APP_NAME}. Each works once.\n\n${codes.join("\n")}\n`]));
    const link = Object.assign(document.createElement("a"), { href: address, download: "backup-codes.txt" });
    link.click();
    URL.revokeObjectURL(address);
  }

  return (
    <div className="stack">
      <h3 tabIndex={-1} ref={heading}>
        Save your backup codes
      </h3>
      <Alert kind="info">They are shown only now. Each signs you in once if you lose your phone. Earlier codes work no more.</Alert>
      <ul className="codes" aria-label="Backup codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <div className="row">
        <CopyButton text={codes.join("\n")}>Copy</CopyButton>
        <Button icon={<Icon name="download" />} onClick={download}>
          Download
        </Button>
        <Button kind="primary" onClick={onDone}>
          I have saved them
        </Button>
      </div>
    </div>
  );
}
