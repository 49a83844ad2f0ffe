import type { ScenarioFile } from '../scenario.ts';

/** The files that a source names, with their paths below it; '' stands for the source itself. */
export function filesOf(files: readonly ScenarioFile[], source: string): { file: ScenarioFile; below: string }[] {
  const path = source
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
  const found: { file: ScenarioFile; below: string }[] = [];
  for (const file of files) {
    if (path === '') found.push({ file, below: file.path });
    else if (file.path === path) found.push({ file, below: '' });
    else if (file.path.startsWith(`${path}/`)) found.push({ file, below: file.path.slice(path.length + 1) });
  }
  return found;
}
