/**
 * Hard links that came before what they name, in an order in which each comes behind the one that it leads to. A chain of them is
 * as long as somebody likes to write it, so nothing here takes more than one step a link.
 *
 * @param links - Targets by path.
 * @param nameOf - Equal for paths that mean the same name.
 */
export function inOrderOfNeed(links: ReadonlyMap<string, string>, nameOf: (path: string) => string): string[] {
  const paths = new Map<string, string>();
  for (const path of links.keys()) paths.set(nameOf(path), path);
  const order: string[] = [];
  const seen = new Set<string>();
  for (const first of links.keys()) {
    const chain: string[] = [];
    for (let path: string | undefined = first; path !== undefined && !seen.has(path);) {
      seen.add(path);
      chain.push(path);
      path = paths.get(nameOf(links.get(path) as string));
    }
    while (chain.length > 0) order.push(chain.pop() as string);
  }
  return order;
}
