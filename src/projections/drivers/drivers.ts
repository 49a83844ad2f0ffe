/** All storage drivers, in the order in which they are shown, and their parameters as somebody asks for them. */

import { aufs } from './aufs.ts';
import { btrfs } from './btrfs.ts';
import { containerdBlockfile } from './containerd-blockfile.ts';
import { containerdDevmapper } from './containerd-devmapper.ts';
import { containerdErofs } from './containerd-erofs.ts';
import { containerdNative } from './containerd-native.ts';
import { devicemapper } from './devicemapper.ts';
import { fuseOverlayfs } from './fuse-overlayfs.ts';
import { overlay2 } from './overlay2.ts';
import { overlay2Reflink } from './overlay2-reflink.ts';
import { qcow2 } from './qcow2.ts';
import type { DriverParameter, DriverValues, StorageDriver } from './storage-driver.ts';
import { vfs } from './vfs.ts';
import { zfs } from './zfs.ts';
import { storeError } from '../../events/log-error.ts';

export const STORAGE_DRIVERS: readonly StorageDriver[] = [
  overlay2,
  overlay2Reflink,
  aufs,
  fuseOverlayfs,
  devicemapper,
  btrfs,
  zfs,
  vfs,
  containerdNative,
  containerdDevmapper,
  containerdBlockfile,
  containerdErofs,
  qcow2,
];

/** A driver with its parameters set. */
export interface ConfiguredDriver {
  readonly driver: StorageDriver;
  readonly values: DriverValues;
}

/**
 * Drivers as asked for: `qcow2`, `qcow2:cluster-size=4096`, `qcow2:cluster-size=64K,extended-l2=1`. Sizes take K, M and G, base
 * 1024. None asked for: all of them, with their defaults.
 *
 * @throws `ERR_INVALID_ARGUMENT` that says which driver, parameter or value there is not.
 */
export function configureDrivers(asked: readonly string[] = []): ConfiguredDriver[] {
  if (asked.length === 0) return STORAGE_DRIVERS.map((driver) => configured(driver, []));
  return asked.map((text) => {
    const [name, ...rest] = text.split(':');
    const driver = STORAGE_DRIVERS.find((each) => each.name === name);
    if (driver === undefined) {
      const names = STORAGE_DRIVERS.map((each) => each.name).join(', ');
      throw refusal(`there is no storage driver "${name}"; there are ${names}`);
    }
    return configured(
      driver,
      rest
        .join(':')
        .split(',')
        .filter((part) => part !== ''),
    );
  });
}

function configured(driver: StorageDriver, settings: readonly string[]): ConfiguredDriver {
  const values: Record<string, number> = {};
  for (const parameter of driver.parameters) values[parameter.name] = parameter.defaultValue;
  for (const setting of settings) {
    const [name, text = ''] = setting.split('=');
    const parameter = driver.parameters.find((each) => each.name === name);
    if (parameter === undefined) {
      const names = driver.parameters.map((each) => each.name).join(', ') || 'none';
      throw refusal(`${driver.name} has no parameter "${name}"; it has ${names}`);
    }
    values[name] = valueOf(driver, parameter, text);
  }
  const conflict = driver.conflict?.(values) ?? null;
  if (conflict !== null) throw refusal(`${driver.name}: ${conflict}`);
  return { driver, values };
}

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

function valueOf(driver: StorageDriver, parameter: DriverParameter, text: string): number {
  const match = /^(\d+)([KMG]?)$/i.exec(text);
  const value = match === null ? NaN : Number(match[1]) * UNITS[match[2].toUpperCase()];
  const { name, min, max } = parameter;
  if (!(value >= min && value <= max)) throw refusal(`${driver.name}: ${name} is a number from ${min} to ${max}`);
  if (parameter.mustBePowerOfTwo && !Number.isInteger(Math.log2(value)))
    throw refusal(`${driver.name}: ${name} is a power of two`);
  return value;
}

const refusal = (message: string): Error => storeError('ERR_INVALID_ARGUMENT', message);
