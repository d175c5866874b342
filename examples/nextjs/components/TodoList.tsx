"use client";

import { useRef, useState } from "react";
import { ApiError } from "@/lib/api/client";
import { createTodo, deleteTodo, getTodos, updateTodo, type Todo } from "@/lib/api/todos";
import type { Failure } from "@/lib/forms/failure";
import { line, useForm } from "@/lib/forms/useForm";
import { useLoad, type Loaded } from "@/lib/useLoad";
import { Alert } from "./ui/Alert";
import { Button, SubmitButton } from "./ui/Button";
import { Field } from "./ui/Field";
import { Form } from "./ui/Form";
import { Icon } from "./ui/Icon";
import { Skeleton } from "./ui/Skeleton";

/** The list of the API in `examples/fastapi`, which knows the user by the access token alone. */
export function TodoList() {
  const { data: todos, failure, reload, setData } = useLoad(loadTodos);
  const [editFailure, setEditFailure] = useState<Failure | null>(null);
  const [news, setNews] = useState("");
  const heading = useRef<HTMLHeadingElement>(null);

  const form = useForm(async (values, form) => {
    const description = line(values, "description");
    const failure = await attempt(async () => {
      const todo = await createTodo({ title: line(values, "title"), ...(description && { description }) });
      setData((todos) => [...todos, todo]);
      setNews(`Added ${todo.title}`);
    });
    if (failure) return failure;
    form.reset();
    const title = form.elements.namedItem("title");
    if (title instanceof HTMLElement) title.focus();
  });

  async function toggle(todo: Todo) {
    const completed = !todo.completed;
    setData((todos) => replaced(todos, { ...todo, completed }));
    const failure = await attempt(async () => {
      const changed = await updateTodo(todo.id, { completed });
      setData((todos) => replaced(todos, changed));
    });
    if (failure) setData((todos) => replaced(todos, todo));
    setEditFailure(failure);
  }

  async function remove(todo: Todo) {
    const failure = await attempt(() => deleteTodo(todo.id));
    setEditFailure(failure);
    if (failure) return;
    setData((todos) => todos.filter(({ id }) => id !== todo.id));
    setNews(`Deleted ${todo.title}`);
    // The button that had the focus is gone.
    heading.current?.focus();
  }

  const open = todos?.filter(({ completed }) => !completed).length ?? 0;
  return (
    <section className="card" aria-labelledby="todos">
      <div className="card-head">
        <h2 id="todos" ref={heading} tabIndex={-1}>
          My to-dos
        </h2>
        {todos && todos.length > 0 && <span className="count">{open === 0 ? "All done" : `${open} open`}</span>}
      </div>
      <Form {...form} className="todo-form" label="New to-do">
        <Field name="title" label="What is to be done?" maxLength={200} autoComplete="off" missing="Write down what is to be done." />
        <Field name="description" label="Details (optional)" required={false} maxLength={2000} autoComplete="off" />
        <SubmitButton icon={<Icon name="plus" />}>Add</SubmitButton>
      </Form>
      {editFailure && <Alert kind="error">{editFailure.message}</Alert>}
      {failure && (
        <div className="stack">
          <Alert kind="error">{failure.message}</Alert>
          <div>
            <Button onClick={reload}>Try again</Button>
          </div>
        </div>
      )}
      {!todos && !failure && <Skeleton label="Loading your to-dos" />}
      {todos?.length === 0 && <p className="empty">Nothing to do. Write down the first thing above.</p>}
      {todos && todos.length > 0 && (
        <ul className="todos">
          {todos.map((todo) => (
            <TodoItem key={todo.id} todo={todo} onToggle={() => toggle(todo)} onRemove={() => remove(todo)} />
          ))}
        </ul>
      )}
      <span className="sr-only" role="status">
        {news}
      </span>
    </section>
  );
}

function TodoItem({ todo, onToggle, onRemove }: { todo: Todo; onToggle: () => void; onRemove: () => Promise<void> }) {
  const [removing, setRemoving] = useState(false);
  return (
    <li className={todo.completed ? "todo todo-done" : "todo"}>
      <label>
        <input type="checkbox" checked={todo.completed} onChange={onToggle} />
        <span>
          <span className="todo-title">{todo.title}</span>
          {todo.description && <span className="todo-description">{todo.description}</span>}
        </span>
      </label>
      <Button
        kind="quiet"
        className="button-icon"
        aria-label={`Delete ${todo.title}`}
        pending={removing}
        onClick={async () => {
          setRemoving(true);
          await onRemove();
          setRemoving(false);
        }}
      >
        <Icon name="trash" />
      </Button>
    </li>
  );
}

async function loadTodos(): Promise<Loaded<Todo[]>> {
  let data: Todo[] = [];
  const failure = await attempt(async () => void (data = await getTodos()));
  return failure ? { failure } : { data };
}

async function attempt(action: () => Promise<void>): Promise<Failure | null> {
  try {
    await action();
    return null;
  } catch (error) {
    const known = error instanceof ApiError || error instanceof Error;
    return { message: known ? error.message : "Something went wrong. Try again." };
  }
}

const replaced = (todos: Todo[], changed: Todo) => todos.map((todo) => (todo.id === changed.id ? changed : todo));
