import { render, screen } from '@testing-library/react';
import { expect, it } from 'vitest';

import { ApiError } from '@/shared/api/problem';

import { Known } from './Known';

const refused = new ApiError(503, 'Unavailable', 'the disk is full');
const show = (data: string | undefined, error: ApiError | null) =>
  render(
    <Known asked={{ data, error, isError: error !== null }} failed="Cannot be read." height={10}>
      {(known) => <p>{known}</p>}
    </Known>,
  );

it('is grey while it loads', () => {
  const { container } = show(undefined, null);
  expect(container.querySelector('[aria-busy=true]')).not.toBeNull();
});

it('says what failed, and does not go on looking busy', () => {
  const { container } = show(undefined, refused);
  expect(screen.getByRole('alert')).toHaveTextContent(/Cannot be read.*the disk is full/);
  expect(container.querySelector('[aria-busy=true]')).toBeNull();
});

it('keeps what was known when asking again fails', () => {
  show('42 cycles', refused);
  expect(screen.getByText('42 cycles')).toBeInTheDocument();
  expect(screen.getByRole('alert')).toBeInTheDocument();
});
