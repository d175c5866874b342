import { useCallback, useEffect, useState } from "react";
import { unreachable, type Failure } from "./forms/failure";

export type Loaded<T> = { data: T } | { failure: Failure };

/** Loads when the component appears, and again by `reload`. What is shown stays until then. `load` must not change. */
export function useLoad<T>(load: () => Promise<Loaded<T>>) {
  const [state, setState] = useState<{ data: T | null; failure: Failure | null }>({ data: null, failure: null });
  const [turn, setTurn] = useState(0);

  useEffect(() => {
    let stale = false;
    load()
      .catch((): Loaded<T> => ({ failure: unreachable() }))
      .then((loaded) => {
        if (stale) return;
        if ("data" in loaded) setState({ data: loaded.data, failure: null });
        else setState(({ data }) => ({ data, failure: loaded.failure }));
      });
    return () => void (stale = true);
  }, [load, turn]);

  const reload = useCallback(() => setTurn((turn) => turn + 1), []);
  const setData = useCallback((change: (data: T) => T) => {
    setState((state) => (state.data === null ? state : { ...state, data: change(state.data) }));
  }, []);
  return { ...state, isLoading: !state.data && !state.failure, reload, setData };
}
