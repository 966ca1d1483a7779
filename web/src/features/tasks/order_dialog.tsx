import type { ComponentProps } from "react";
import { ErrorBox } from "../../ui/problem";
import { Question } from "../../ui/question";
import type { Order } from "./as_command";
import { useOrder } from "./drawer_state";

/// A question whose answer is an order.
export function OrderDialog({
  order,
  onProblem,
  onDone,
  children,
  ...question
}: Omit<ComponentProps<typeof Question>, "busy" | "onAnswer"> & {
  order: () => Order;
  /// Problems are shown at their fields by the caller.
  onProblem?: (error: Error | null) => void;
  onDone?: () => void;
}) {
  const give = useOrder();
  return (
    <Question
      {...question}
      busy={give.isPending}
      onAnswer={() => {
        onProblem?.(null);
        give.mutate(order(), {
          onError: (error) => onProblem?.(error),
          onSuccess: () => {
            question.onClose();
            onDone?.();
          },
        });
      }}
    >
      {children}
      {give.error && <ErrorBox error={give.error} />}
    </Question>
  );
}
