import type { SubjectId } from '../events/event.ts';
import { isStoreError } from '../events/log-error.ts';
import type { ContainerState } from '../projections/registry.ts';
import { ContainerView } from './container-view.ts';
import { containerOf, type Moment } from './moment.ts';

/** What `list` shows: all that are given must fit. */
export interface ContainerFilter {
  readonly state?: ContainerState;
  /** Key, with its value where that matters too. */
  readonly label?: string | readonly [key: string, value: string];
  /** Image id. */
  readonly image?: string;
}

/** The containers of a store at one moment. */
export class ContainerViews<C extends ContainerView = ContainerView> {
  readonly #moment: Moment;
  readonly #make: (subject: SubjectId) => C;
  readonly #made = new Map<SubjectId, C>();

  constructor(moment: Moment, make: (subject: SubjectId) => C) {
    this.#moment = moment;
    this.#make = make;
  }

  /** The containers, the newest first, whatever their state. */
  list(filter: ContainerFilter = {}): C[] {
    const records = [...this.#moment.world.registry.containers.values()];
    return records
      .filter((record) => {
        if (filter.state !== undefined && record.state !== filter.state) return false;
        if (filter.image !== undefined && record.image !== filter.image) return false;
        const [key, value] = typeof filter.label === 'string' ? [filter.label] : (filter.label ?? []);
        return (
          key === undefined ||
          record.labels.some((label) => label[0] === key && (value === undefined || label[1] === value))
        );
      })
      .toSorted((a, b) => b.container - a.container)
      .map((record) => this.of(record.container));
  }

  /**
   * @param reference - Name, id, or the start of an id.
   * @throws `ERR_NOT_FOUND`, `ERR_AMBIGUOUS`.
   */
  get(reference: string): C {
    return this.of(containerOf(this.#moment, reference).container);
  }

  /** As {@link ContainerViews.get}; null when there is none. @throws `ERR_AMBIGUOUS`. */
  find(reference: string): C | null {
    try {
      return this.get(reference);
    } catch (error) {
      if (isStoreError(error, 'ERR_NOT_FOUND')) return null;
      throw error;
    }
  }

  /** By its number in the log. One object a container, so that what it remembers is shared. */
  of(subject: SubjectId): C {
    let container = this.#made.get(subject);
    if (container === undefined) this.#made.set(subject, (container = this.#make(subject)));
    return container;
  }
}
