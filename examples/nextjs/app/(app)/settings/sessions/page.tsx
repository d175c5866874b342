import type { Metadata } from "next";
import { SessionList } from "@/components/settings/SessionList";

export const metadata: Metadata = { title: "Devices" };

export default function SessionsPage() {
  return (
    <>
      <h1>Devices</h1>
      <SessionList />
    </>
  );
}
