// Full adders that `extract_fa` found, as boxes that logic optimisation leaves alone: a library's cell later.
(* techmap_celltype = "$fa" *)
module _80_fa (A, B, C, X, Y);
  parameter WIDTH = 1;
  (* force_downto *) input [WIDTH-1:0] A, B, C;
  (* force_downto *) output [WIDTH-1:0] X, Y;
  genvar i;
  generate for (i = 0; i < WIDTH; i = i + 1) begin : bits
    LMUL_FULL_ADDER box (.a(A[i]), .b(B[i]), .c(C[i]), .carry(X[i]), .sum(Y[i]));
  end endgenerate
endmodule
