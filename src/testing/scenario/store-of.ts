import { ScenarioClock } from '../../replay/scenario/clock.ts';
import { parseScenario } from '../../replay/scenario/parse.ts';
import { runScenario } from '../../replay/scenario/run.ts';
import { openStore, type OpenStoreOptions } from '../../store/open-store.ts';
import { scenarioHost } from '../../store/scenario-host.ts';
import type { Store } from '../../store/store.ts';

/** The id of stores that are made for a test. */
const STORE_ID = '00000000000000ff';

/**
 * A store in memory, or where the options say, that a scenario without verbs of the command line was played into.
 *
 * @param clock - Goes on from where the scenario ends.
 * @throws What did not hold.
 */
export async function storeOf(
  text: string,
  options: Omit<OpenStoreOptions, 'clock'> = {},
  clock = clockOf(text),
): Promise<Store> {
  const scenario = parseScenario('prelude.scn', Buffer.from(text));
  const store = await openStore({ storeId: STORE_ID, ...options, clock: clock.now });
  const { failure } = await runScenario(scenario, scenarioHost(store, noCommandLine), clock);
  if (failure === null) return store;
  throw new Error(`${failure.file}:${failure.line}: ${failure.message}`);
}

/** The clock that a scenario sets. */
export const clockOf = (text: string): ScenarioClock =>
  new ScenarioClock(parseScenario('prelude.scn', Buffer.from(text)).clock);

const noCommandLine = (): never => {
  throw new Error('a prelude has no verbs of the command line');
};
