import { readFileSync } from 'node:fs';

/** Status flags of an open descriptor (open(2), F_GETFL), as proc(5) shows them. */
export function descriptorFlags(process: number | 'self', descriptor: number | string): number {
  const [, flags] = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/${process}/fdinfo/${descriptor}`, 'utf8')) ?? [];
  return Number.parseInt(flags, 8);
}
