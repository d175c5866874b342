"use client";

import { useState, type ReactNode } from "react";
import { Button } from "@/components/ui/Button";
import { Icon } from "@/components/ui/Icon";

export function CopyButton({ text, children }: { text: string; children: ReactNode }) {
  const [said, setSaid] = useState("");

  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setSaid("Copied."),
      () => setSaid("The browser did not let us copy. Select the text instead."),
    );

  return (
    <>
      <Button icon={<Icon name="copy" />} onClick={copy}>
        {children}
      </Button>
      <span className="said" role="status">
        {said}
      </span>
    </>
  );
}
