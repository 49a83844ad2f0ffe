/** FNV-1a over the UTF-16 units of a name: which bucket of a history its entries are in. 32 bits. */
export function nameHash(name: string): number {
  let hash = 0x811c_9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x0100_0193);
  // The low bits choose the bucket, and those of short names that differ in one letter are alike.
  return (hash ^ (hash >>> 15)) >>> 0;
}
