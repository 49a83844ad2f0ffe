import type { Engine } from '../engine/engine.ts';

/** Runs a step, also one that takes its time; what is written until it has ended carries a group or an actor. */
export function carrying<T>(engine: Engine, what: 'group' | 'actor', value: string, step: () => T): T {
  const before = engine[what];
  engine[what] = value;
  const restore = (): void => {
    engine[what] = before;
  };
  let result: T;
  try {
    result = step();
  } catch (error) {
    restore();
    throw error;
  }
  if (result instanceof Promise) return result.finally(restore) as T;
  restore();
  return result;
}
