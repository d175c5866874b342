import type { Metadata } from "next";
import { Greeting } from "@/components/Greeting";
import { TodoList } from "@/components/TodoList";
import { VerifyBanner } from "@/components/auth/VerifyBanner";

export const metadata: Metadata = { title: "To-dos" };

export default function DashboardPage() {
  return (
    <div className="narrow">
      <Greeting />
      <VerifyBanner />
      <TodoList />
    </div>
  );
}
