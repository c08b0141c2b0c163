"""The tables of the toolkit's accuracy analysis, as 2.3.2 prints them."""

from __future__ import annotations

from rkmend.toolkit.inside.layers import Row, origin, read_names, read_table

TABLE = """\
# simulator_error: calculate the output error of each layer of the simulator (compared to the 'golden' value).
#              entire: output error of each layer between 'golden' and 'simulator', these errors will accumulate.

layer_name                          simulator_error                    
                                entire              single             
                             cos      euc        cos      euc          
-------------------------------------------------------------------
[Input] x                  1.00000 | 0.0       1.00000 | 0.0           
[exDataConvert] x_int8     0.99997 | 0.3582    0.99998 | 0.3582        
[Conv] c                   
[Relu] /a b/Relu | 0       0.99995 | 0.5196    0.99996 | 0.5196        
[Mul] sq                    q_inf  | q_inf      q_inf  | q_inf         
"""  # noqa: W291 - as it is printed
NAMES = """\
layer_name     file_name      
------------------------------
x              x.txt          
a/r            a_r.txt        
y y            y y.txt        
"""  # noqa: W291


def test_rows_have_the_cosine_of_the_layer_alone():
    assert list(read_table(TABLE)) == [
        Row("exDataConvert", "x_int8", 0.99998),
        Row("Relu", "/a b/Relu | 0", 0.99996),
        Row("Mul", "sq", None),
    ]


def test_a_file_of_another_kind_has_no_rows():
    assert not list(read_table("[Conv] c\nnothing | here\n")) and not read_names("")


def test_names_of_tensors_lead_to_files():
    assert read_names(NAMES) == {"x": "x", "a/r": "a_r", "y y": "y y"}


def test_tensors_that_share_a_file_have_none():
    """The toolkit writes `a/b` and `a_b` to the same file, one over the other."""
    assert read_names("a/b    a_b.txt\na_b    a_b.txt\nc      c.txt\n") == {"c": "c"}


def test_a_tensor_with_suffixes_may_be_the_value_that_is_left():
    values = {"y", "y_1", "/a/b_output_0"}
    assert origin("y", values) == "y" and origin("y_1_rs_sw", values) == "y_1"
    assert origin("/a/b_output_0_int8", values) == "/a/b_output_0"
    assert origin("z_y", values) == origin("", values) == ""
