"use client";

import { create } from "qrcode";

const QUIET = 4;

/** Drawn here: the text is a secret, and no service that draws pictures may see it. */
export function QRCode({ text, label }: { text: string; label: string }) {
  const { modules } = create(text, { errorCorrectionLevel: "M" });
  const rows = Array.from({ length: modules.size }, (_, index) => index);
  const path = rows.flatMap((y) => rows.filter((x) => modules.get(y, x)).map((x) => `M${x + QUIET} ${y + QUIET}h1v1h-1z`)).join("");
  const size = modules.size + 2 * QUIET;
  return (
    <svg className="qr" role="img" aria-label={label} viewBox={`0 0 ${size} ${size}`} shapeRendering="crispEdges">
      <path d={path} />
    </svg>
  );
}
