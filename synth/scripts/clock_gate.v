// Registers that keep their enable, each as a plain one behind a box of its own that stands for a clock gate: boxes of
// one enable become cells of the library when the netlist is read.
module \$_DFFE_PP_ (input D, C, E, output Q);
  wire gated;
  LMUL_CLOCK_GATE gate (.C(C), .E(E), .G(gated));
  \$_DFF_P_ _TECHMAP_REPLACE_ (.D(D), .C(gated), .Q(Q));
endmodule
