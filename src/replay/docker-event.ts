/** Events as Docker has them, and what they are told from. */

import type { Registry, RegistryEvent } from '../projections/registry.ts';

/** An event in the shape of Docker's API (moby v20.10.24, api/types/events). */
export interface DockerEvent {
  /** The same as `Action`; of containers and images only, and so is `id`. */
  readonly status?: string;
  readonly id?: string;
  /** The image that a container was made from, as asked; of containers only. */
  readonly from?: string;
  readonly Type: 'container' | 'image' | 'network' | 'volume';
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly scope: 'local';
  /** Seconds since 1970. */
  readonly time: number;
  readonly timeNano: bigint;
}

/** The last argument of a cause `cp` whose source was on the host: Docker tells of those as `extract-to-dir`. */
export const COPY_FROM_HOST = '--from-host';

/** An event before it has a time. */
export type ToldEvent = Pick<DockerEvent, 'Type' | 'Action' | 'Actor'> & { readonly from?: string };

/** What an event was about, and all that there was just before it and just after. */
export interface RegistryStep {
  readonly event: RegistryEvent;
  readonly before: Registry;
  readonly after: Registry;
}
