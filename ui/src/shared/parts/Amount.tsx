import type { Quantity } from '@/shared/format/quantity';

/** **42.7** kW: the number tabular, the unit smaller and muted. */
export function Amount({ quantity, old = false }: { quantity: Quantity; old?: boolean }) {
  return (
    <span className="number" data-old={old}>
      {quantity.text}
      {quantity.unit !== '' && <span className="unit">{quantity.unit}</span>}
    </span>
  );
}
