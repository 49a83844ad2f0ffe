import { brokenLinks, dockerLayers, layersAtMost, lowerRenames, OVERLAY_RULES, overlayModel } from './overlay.ts';
import type { StorageDriver } from './storage-driver.ts';

/** Docker's overlay2, and containerd's overlayfs, where the file system below cannot clone: ext4. */
export const overlay2: StorageDriver = {
  name: 'overlay2',
  title: 'overlay2 on ext4',
  evidence: 'measured',
  parameters: [],
  rules: OVERLAY_RULES,
  limits: [
    layersAtMost(128, 'moby daemon/graphdriver/overlay2/overlay.go maxDepth; the kernel itself takes 500'),
    dockerLayers,
    lowerRenames,
    brokenLinks,
  ],
  model: () => overlayModel,
};
