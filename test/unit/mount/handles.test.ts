import { expect, test } from 'vitest';
import type { OpenFile } from '../../../src/engine/open-files.ts';
import { Handles } from '../../../src/mount/handles.ts';

/** The table only keeps it. */
const aFile = (ino: number): OpenFile => ({ ino }) as OpenFile;

test('handles that are put back in any order are not given away again while their files are open', () => {
  const handles = new Handles();
  for (const handle of [5, 2, 7]) handles.put(handle, aFile(handle));
  const added = Array.from({ length: 6 }, (_, index) => handles.add(aFile(100 + index)));
  expect(added.toSorted((a, b) => a - b)).toEqual([1, 3, 4, 6, 8, 9]);
  for (const handle of [5, 2, 7]) expect(handles.get(handle)?.ino).toBe(handle);
});
