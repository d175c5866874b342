import { apiRequest } from "./client";

export type Todo = {
  id: number;
  title: string;
  description: string | null;
  completed: boolean;
  created_at: string;
  updated_at: string;
};

export type NewTodo = { title: string; description?: string };

export async function getTodos(): Promise<Todo[]> {
  return (await apiRequest("/api/v1/todos")).json();
}

export async function createTodo(data: NewTodo): Promise<Todo> {
  return (await apiRequest("/api/v1/todos", { method: "POST", body: JSON.stringify(data) })).json();
}

export async function updateTodo(id: number, changes: Partial<Pick<Todo, "title" | "description" | "completed">>): Promise<Todo> {
  return (await apiRequest(`/api/v1/todos/${id}`, { method: "PATCH", body: JSON.stringify(changes) })).json();
}

export async function deleteTodo(id: number): Promise<void> {
  await apiRequest(`/api/v1/todos/${id}`, { method: "DELETE" });
}
